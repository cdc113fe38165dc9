// The search page: its parts, and what they tell each other.
import { Duplicates } from "./duplicates.js";
import { dropZone } from "./drop-zone.js";
import { byId } from "./dom.js";
import { HitList } from "./hit-list.js";
import { Removal } from "./removal.js";
import { watchStatistics } from "./statistics.js";
import { Storing } from "./storing.js";
import { Synchronisation } from "./synchronisation.js";

const refreshStatistics = watchStatistics();
const removal = new Removal(refreshStatistics);
const hits = new HitList(removal);
const storing = new Storing(refreshStatistics);

byId("words-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("words").value.trim();
  if (text) hits.search({ text });
  else hits.say("Type some words first.");
});
dropZone("query", ([file]) => hits.search({ file }));
dropZone("store", (files) => storing.store(files));
new Duplicates().watch();
new Synchronisation(refreshStatistics).watch();
