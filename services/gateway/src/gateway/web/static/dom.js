// Elements from names and text; text never becomes markup.

export const byId = (id) => document.getElementById(id);

/** A new element; children are elements or text, null ones are left out. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A picture that says so where it cannot be shown. */
export function picture(url, alt, className = "picture") {
  const image = element("img", { alt, className, decoding: "async", loading: "lazy" });
  image.addEventListener("error", () => {
    image.replaceWith(element("span", { className: `${className} broken` }, "No preview"));
  });
  image.src = url;
  return image;
}

/** A link to a stored picture, by the picture itself. */
export function pictureLink(url, key) {
  const label = `Open ${key}`;
  const link = element("a", { href: url, target: "_blank", rel: "noopener", "aria-label": label });
  link.append(picture(url, ""));
  return link;
}

/** "1 image", "2 images". */
export const counted = (count, noun) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
