// Comparisons: which models are asked, and which one was best.

import { agreed } from "./agreeing.js";
import { Lanes, byId, words } from "./lanes.js";
import { Parameters } from "./parameters.js";
import { reportable } from "./reporting.js";

const KEY = "modelyard.compared";
const most = Number(byId("page").dataset.most);
let models = null;
let chosen = new Set(remembered());
let hasChosen = false; // from then on nothing is chosen for the person
let voted = byId("page").dataset.voted === "yes";

const lanes = new Lanes({
    ask: ({ text, files }) => ({
        type: "compare",
        text,
        comparison: lanes.number,
        models: lanes.number ? [] : [...chosen],
        attachments: files,
        system: parameters.system.value.trim(),
        parameters: parameters.values,
    }),
    models(message) {
        models = message.models;
        const names = models.map(({ name }) => name);
        chosen = new Set([...chosen].filter((name) => names.includes(name)));
        for (const { name } of models.filter(isReady)) {
            if (chosen.size < 2 && !hasChosen) {
                chosen.add(name);
            }
        }
        draw();
    },
    opened(title) {
        voted = false;
        document.querySelector("h1").textContent = title;
        document.title = `${title} · Modelyard`;
        byId("delete").hidden = byId("flag").hidden = false;
    },
    hindrance() {
        if (!models) {
            return "";
        }
        const asked = lanes.number ? lanes.elements.map((lane) => lane.dataset.name) : [...chosen];
        const away = models.filter((model) => asked.includes(model.name) && !isReady(model));
        if (lanes.number) {
            // One that is away says so in its lane; the others go on.
            return away.length < asked.length ? "" : away[0].sentence;
        }
        return away[0]?.sentence ?? (asked.length < 2 && models.length > 1 ? words.choose : "");
    },
    changed: judge,
});

const parameters = new Parameters(chooseAlso);

/** What a preset names stands beside what is chosen. */
function chooseAlso(model) {
    const box = lanes.number ? null : boxes().find(({ value, disabled }) => value === model && !disabled);
    if (box) {
        box.checked = true;
        choose(model, true);
    }
}

function isReady(model) {
    return model.state === "ready";
}

function draw() {
    const focused = boxes().find((box) => box === document.activeElement)?.value;
    byId("chips").replaceChildren(...models.map(chip));
    boxes().find((box) => box.value === focused)?.focus();
    limit();
    byId("few").hidden = models.length > 1;
}

function boxes() {
    return [...byId("chips").querySelectorAll("input")];
}

function limit() {
    boxes().forEach((box, at) => {
        box.disabled = !box.checked && (chosen.size >= most || !isReady(models[at]));
    });
}

function chip(model) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const state = document.createElement("span");
    label.className = "chip";
    box.type = "checkbox";
    box.checked = chosen.has(model.name);
    box.value = model.name;
    box.addEventListener("change", () => choose(model.name, box.checked));
    state.className = `state ${model.state}`;
    state.title = model.sentence;
    state.textContent = isReady(model) ? "" : model.word;
    label.append(box, model.name, state);
    return label;
}

function choose(name, wanted) {
    hasChosen = true;
    chosen[wanted ? "add" : "delete"](name);
    try {
        localStorage.setItem(KEY, JSON.stringify([...chosen]));
    } catch {
        // A private window may forbid it: then it lasts as long as the page.
    }
    limit();
    lanes.refresh();
}

function remembered() {
    try {
        return JSON.parse(localStorage.getItem(KEY) ?? "[]");
    } catch {
        return [];
    }
}

function judge() {
    const bar = byId("verdict");
    bar.hidden = voted || !lanes.isAnswered;
    if (bar.hidden || bar.querySelectorAll("[data-best]").length === lanes.elements.length) {
        return;
    }
    for (const button of bar.querySelectorAll("[data-best]")) {
        button.remove();
    }
    bar.prepend(
        ...lanes.elements.map((lane) => {
            const button = document.createElement("button");
            button.type = "button";
            button.className = "button outline";
            button.dataset.best = lane.dataset.lane;
            button.textContent = `${lane.dataset.name} ${words.best}`;
            return button;
        }),
    );
}

byId("verdict").addEventListener("click", async (event) => {
    const { best, verdict } = event.target.closest("button")?.dataset ?? {};
    if (!best && !verdict) {
        return;
    }
    const told = await lanes.post(`${lanes.page.start}${lanes.number}/vote`, best ? { best } : { verdict });
    if (told) {
        voted = true;
        const winner = lanes.elements.find((lane) => lane.dataset.lane === best);
        winner?.classList.add("won");
        winner?.scrollIntoView({ block: "nearest", inline: "center" });
        lanes.thank(told.why ? "" : words.thanks, told.why);
        lanes.refresh();
    }
});
byId("again").addEventListener("click", () => lanes.say({ type: "compare_again", comparison: lanes.number, parameters: parameters.values }));
byId("delete").addEventListener("click", async () => {
    if (await agreed(byId("delete-dialog"))) {
        const told = await lanes.post(`${lanes.page.start}${lanes.number}/delete`);
        if (told) {
            location.assign(told.url);
        }
    }
});
reportable(lanes);
lanes.connect();
if (voted) {
    lanes.thank(words.voted, lanes.page.why);
}
