// Battles: two models without names, a vote, and then their names.

import { Lanes, byId, words } from "./lanes.js";
import { reportable } from "./reporting.js";

const SAID = { a: words.saidA, b: words.saidB, tie: words.saidTie, bad: words.saidBad };
let { vote, why } = byId("page").dataset;
let ready = null;

const lanes = new Lanes({
    ask: ({ text }) => ({ type: "battle", text, battle: lanes.number }),
    models(message) {
        ready = message.ready;
        byId("few").hidden = ready > 1;
    },
    opened() {
        vote = "";
        byId("flag").hidden = false;
    },
    hindrance: () => (ready !== null && ready < 2 && !lanes.number ? byId("few").firstChild.textContent : ""),
    changed() {
        byId("verdict").hidden = Boolean(vote) || !lanes.isAnswered;
        byId("form").hidden = byId("hint").hidden = Boolean(vote);
        byId("again").hidden ||= Boolean(vote);
        if (vote) {
            lanes.thank(SAID[vote], why);
            mark();
        }
    },
});

function mark() {
    lanes.elements.forEach((lane, at) => lane.classList.toggle("won", vote === "ab"[at]));
}

byId("verdict").addEventListener("click", async (event) => {
    const { verdict } = event.target.closest("button")?.dataset ?? {};
    const told = verdict && (await lanes.post(`${lanes.page.start}${lanes.number}/vote`, { vote: verdict }));
    if (told) {
        ({ vote, why } = told);
        told.lanes.forEach(({ name, turns }, at) => {
            const lane = lanes.elements[at];
            lanes.name(lane, name, at);
            lane.querySelector(".turns").innerHTML = turns;
            lanes.streams[at].dress(lane);
        });
        lanes.refresh();
        byId("fresh").focus();
    }
});
byId("again").addEventListener("click", () => lanes.say({ type: "battle_again", battle: lanes.number }));
reportable(lanes);
lanes.connect();
