// What the pages know of the captioners by themselves.

const PREFIXED = {
  captionHelp: "How the caption begins, for example: a photo of",
  flagHelp: "An image that this describes is flagged, for example: a broken chain",
};
const INSTRUCTED = {
  captionHelp: "What to do, for example: Describe the jewellery in one sentence",
  flagHelp: "An image is flagged when the answer is yes, for example: Is there a watermark?",
};
const KNOWN = {
  blip: { name: "BLIP", ...PREFIXED },
  blip2: { name: "BLIP-2", ...PREFIXED },
  gemma: { name: "Gemma 3", ...INSTRUCTED },
  intern_vlm: { name: "InternVL3", ...INSTRUCTED },
};

/** The captioner as the API tells of it, with its name and what its prompts mean. */
export function captioner(model) {
  const known = KNOWN[model.key] ?? { name: model.key, ...INSTRUCTED };
  return { ...known, ...model };
}
