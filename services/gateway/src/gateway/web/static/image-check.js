// What the services take as an image, told by the file alone.
const MAX_MIB = 24;
const HEAD_BYTES = 12;
const FORMATS = [/^\xff\xd8\xff/, /^\x89PNG\r\n\x1a\n/, /^RIFF....WEBP/s];

/** Why `file` is refused, null where it may be sent. */
export async function imageFault(file) {
  if (!file.size) return "is empty";
  if (file.size > MAX_MIB * 2 ** 20) return `is larger than ${MAX_MIB} MiB`;
  const head = String.fromCharCode(...(await headOf(file)));
  const isKnown = FORMATS.some((format) => format.test(head));
  return isKnown ? null : "is not a JPEG, PNG or WebP picture";
}

const headOf = async (file) => new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
