// A run over the chosen images: a request for each, or one for all.
import { ApiError, isCancelled, post } from "./api.js";
import { CaptionCard } from "./caption-card.js";
import { withRetries } from "./retrying.js";
import { sideBySide } from "./side-by-side.js";

const AT_ONCE = 4;

/** One caption for each image; the cards fill as answers come. */
export async function captionEach(images, question, status, running) {
  const cards = images.map((image) => new CaptionCard([image]));
  status.begin(cards);
  const tasks = images.map((image, index) => ({ images: [image], card: cards[index] }));
  await sideBySide(tasks, AT_ONCE, (task) => captioned(task, single(question), status, running));
  status.end(running.signal.aborted);
}

/** One caption for all images together. */
export async function captionTogether(images, question, status, running) {
  const card = new CaptionCard(images);
  status.begin([card]);
  await captioned({ images, card }, collective(question), status, running);
  status.end(running.signal.aborted);
}

async function captioned({ images, card }, ask, status, running) {
  const { signal } = running;
  if (signal.aborted) return card.show("cancelled");
  const onWait = (note) => card.show("waiting", note);
  const attempt = () => {
    card.show("working");
    return ask(images.map(({ file }) => file), signal);
  };
  try {
    const { caption, answer } = await withRetries(attempt, { signal, onWait });
    card.showCaption(caption, answer);
    status.done(card, caption);
  } catch (error) {
    if (isCancelled(error)) return card.show("cancelled");
    const told = inNames(error, images.map(({ file }) => file));
    card.showError(told);
    status.failed(card, told);
    // Without a session every other request would ask for the key again.
    if (error.status === 401) running.abort();
  }
}

const single = (question) => async (files, signal) => {
  const path = `/api/caption-images?${question}`;
  const { results, ...made } = await post(path, { images: files }, { signal });
  const [answer] = results;
  if (answer.error) throw new ApiError(answer.error, answer.code, 200);
  return { caption: answer.caption, answer: { ...answer, ...made } };
};

/** A message of the API, which counts the images, in the words of whoever chose them. */
function inNames(error, files) {
  const named = (text) =>
    text.replace(/'?images\[(\d+)\]'?/g, (place, index) => files[index]?.name ?? place);
  return error instanceof ApiError ? error.withMessage(named(error.message)) : error;
}

const collective = (question) => async (files, signal) => {
  const path = `/api/caption-collective-images?${question}`;
  const answer = await post(path, { images: files }, { signal });
  return { caption: answer.collective_caption, answer };
};
