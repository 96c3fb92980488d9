// The chat page: what is written goes out by the websocket, what comes back is shown as it comes.

import { Attachments } from "./attachments.js";
import { copy } from "./copying.js";
import { bringEarlier } from "./earlier.js";
import { edit } from "./editing.js";
import { Menu } from "./menu.js";
import { Parameters } from "./parameters.js";
import { Picker, isReady } from "./picker.js";
import { Server } from "./server.js";
import { Sidebar } from "./sidebar.js";
import { Socket } from "./socket.js";
import { Stream } from "./stream.js";
import { grow, listen } from "./writing.js";

const byId = (id) => document.getElementById(id);
const page = byId("chat");
const words = byId("words").dataset;
const asked = new URLSearchParams(location.search);
const [form, prompt, send, stop, list] = ["form", "prompt", "send", "stop", "turns"].map(byId);

let conversation = page.dataset.conversation || null;
let waiting = false; // a question was sent, and the server has not said yet that it took it
let sent = null; // what was written in it: it comes back when it was not taken
let trouble = "";
let lost = false;
let behind = null; // the last message of what another page did, which is shown when nobody edits here

const server = new Server(page.dataset);
const sidebar = new Sidebar(server, conversation);
const stream = new Stream(list, byId("talk"), words);
const picker = new Picker(asked.get("model") ?? page.dataset.model, refresh);
const parameters = new Parameters((model) => picker.choose(model));
const attachments = new Attachments(words, explain, refresh);
const menu = new Menu(server, {
    renamed(title) {
        document.title = `${title} · Modelyard`;
        sidebar.refresh();
    },
    deleted: () => location.assign(page.dataset.home),
    failed: (error) => explain(`${words.failed} ${error.message}`),
});
const socket = new Socket(page.dataset.socket, {
    open() {
        followAll(lost);
        lost = false;
        watch();
        refresh();
    },
    message: (message) => HANDLERS[message.type]?.(message),
    lost() {
        lost = true;
        notTaken();
        refresh();
    },
    loggedOut() {
        location.assign(`${page.dataset.login}?next=${encodeURIComponent(location.pathname)}`);
    },
});

const HANDLERS = {
    models({ models }) {
        picker.update(models);
        askFromAddress();
    },
    begun(message) {
        if (message.elsewhere && (isEdited() || (message.after && !stream.find(message.after)))) {
            HANDLERS.moved(message);
            return;
        }
        if (!message.elsewhere) {
            waiting = false;
            sent = null;
        }
        stream.begin(message.after, message.question, message.answer);
        if (conversation !== message.conversation) {
            conversation = message.conversation;
            history.replaceState(null, "", message.url);
            menu.about(conversation, message.title);
            document.title = `${message.title} · Modelyard`;
        }
        sidebar.newest(conversation);
        refresh();
    },
    moved({ message }) {
        behind = message;
        refresh();
    },
    blocks: (message) => stream.blocks(message),
    text: (message) => stream.text(message),
    done(message) {
        const turn = stream.done(message);
        const said = turn?.querySelector(".raw").textContent ?? "";
        byId("announcer").textContent = message.state === "stopped" ? words.stopped : `${words.answer} ${said}`;
        refresh();
    },
    gone({ message, text }) {
        stream.find(message)?.remove();
        explain(text);
    },
    error({ text }) {
        notTaken();
        explain(text);
    },
};

/** Hear of the answers on the page that are being given; after an absence of a cut one too, which may have gone on. */
function followAll(wasAway = false) {
    const cut = wasAway ? list.querySelectorAll(".turn:last-child:has([data-continue])") : [];
    for (const turn of [...running(), ...cut]) {
        socket.send({ type: "follow", message: turn.dataset.message });
    }
}

/** Hear of what other pages ask in this conversation, and of what they asked while this one was away. */
function watch() {
    if (conversation) {
        socket.send({ type: "watch", conversation, leaf: list.lastElementChild?.dataset.message ?? null });
    }
}

function isEdited() {
    return list.querySelector("form.edit") !== null;
}

/** What was written and not taken stands in its place again. */
function notTaken() {
    waiting = false;
    if (sent && !prompt.value) {
        prompt.value = sent.text;
        attachments.putBack(sent.files);
        grow(prompt);
    }
    sent = null;
}

function running() {
    return [...list.querySelectorAll('[data-state="running"]')];
}

function isFree() {
    return !waiting && !lost && socket.isOpen && !running().length;
}

function canAsk() {
    return isFree() && isReady(picker.chosen);
}

function ask({ text, parent, edited = null, without = [], files = [] }) {
    waiting = true;
    sent = { text, files };
    trouble = "";
    socket.send({
        type: "ask",
        text,
        parent: parent || null,
        conversation,
        edited,
        without,
        attachments: files,
        model: picker.chosen.name,
        system: parameters.system.value.trim(),
        parameters: parameters.values,
    });
    refresh();
}

/** `?q=` in the address is asked as soon as the model can answer, that of `?model=` and no other. */
function askFromAddress() {
    if (asked.has("q") && !conversation && picker.isAsNamed && canAsk()) {
        asked.delete("q");
        submit();
    }
}

function explain(sentence) {
    trouble = sentence;
    refresh();
}

function refresh() {
    if (behind && !isEdited()) {
        const missed = behind;
        behind = null;
        showVersion(missed);
    }
    const model = picker.chosen;
    const known = picker.models !== null;
    const answering = running().length > 0;
    send.hidden = answering;
    stop.hidden = !answering;
    send.disabled = !canAsk() || !(prompt.value.trim() || attachments.items.length);
    for (const button of list.querySelectorAll("[data-again], [data-continue], .edit [type=submit]")) {
        button.disabled = "continue" in button.dataset ? !isFree() : !canAsk();
    }
    const empty = !list.children.length && !waiting;
    byId("nothing").hidden = !(known && empty && !picker.models.length);
    byId("welcome").hidden = !(known && empty && picker.models.length);
    const banner = byId("banner");
    banner.textContent = lost ? words.lost : trouble || (model && !isReady(model) ? model.sentence : "");
    banner.className = `banner ${lost ? "" : trouble ? "failed" : model?.state}`;
    banner.hidden = !banner.textContent;
}

function submit() {
    const text = prompt.value.trim();
    if (send.disabled || !(text || attachments.items.length)) {
        return;
    }
    ask({ text, parent: list.lastElementChild?.dataset.message, files: attachments.take() });
    prompt.value = "";
    grow(prompt);
}

/** Ask another version of a question. Returns whether that was possible. */
function askInstead(turn, text, without) {
    if (!canAsk()) {
        return false;
    }
    ask({ text, parent: turn.dataset.parent, edited: turn.dataset.message, without });
    prompt.focus();
    return true;
}

async function showVersion(message) {
    try {
        const response = await server.post(server.of(conversation, `show/${message}`));
        list.innerHTML = await response.text();
        stream.dress(list);
        followAll();
    } catch (error) {
        explain(`${words.failed} ${error.message}`);
    }
    refresh();
}

async function chooseVersion(message) {
    await showVersion(message);
    stream.find(message)?.querySelector("[data-show]:enabled")?.focus();
}

list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const turn = event.target.closest(".turn");
    if (!button || !turn) {
        return;
    }
    const { dataset } = button;
    if ("copyCode" in dataset) {
        copy(button, button.closest("figure").querySelector("code").textContent, words);
    } else if ("copyTurn" in dataset) {
        copy(button, turn.querySelector(".raw").textContent, words);
    } else if ("again" in dataset) {
        waiting = true;
        socket.send({ type: "again", message: turn.dataset.message, model: picker.chosen.name, parameters: parameters.values });
    } else if ("continue" in dataset) {
        waiting = true;
        socket.send({ type: "continue", message: turn.dataset.message, parameters: parameters.values });
        prompt.focus();
    } else if ("edit" in dataset) {
        edit(turn, words, { ask: askInstead, left: refresh });
    } else if (dataset.show) {
        chooseVersion(dataset.show);
    }
    refresh();
});
listen(
    { form, field: prompt, stop },
    {
        submit,
        written() {
            asked.delete("q"); // it is the person's own now
            refresh();
        },
        isAnswering: () => running().length > 0,
    },
);
stop.addEventListener("click", () => {
    for (const turn of running()) {
        socket.send({ type: "stop", message: turn.dataset.message });
    }
    prompt.focus();
});
if (asked.get("q") && !conversation) {
    prompt.value = asked.get("q");
    grow(prompt);
}
stream.dress(list);
stream.showEnd();
bringEarlier(list, byId("talk"), (root) => {
    stream.dress(root);
    refresh();
});
if (conversation) {
    menu.about(conversation, document.querySelector("h1").textContent);
}
refresh();
