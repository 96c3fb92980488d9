// The chat page: what is written goes out by the websocket, what comes back is shown as it comes.

import { Picker, isReady } from "./picker.js";
import { Settings } from "./settings.js";
import { Socket } from "./socket.js";
import { Turns } from "./turns.js";

const byId = (id) => document.getElementById(id);
const page = byId("chat");
const [form, prompt, send, stop] = ["form", "prompt", "send", "stop"].map(byId);
const turns = new Turns(byId("turns"), byId("talk"));
const settings = new Settings();
const picker = new Picker(settings, refresh);

let history = []; // {role, content}, as the model gets it
let current = null; // {id, answer}: what is being answered
let failed = null; // the answer that may be retried
let questions = 0; // numbers the questions, so that a late word finds its answer or none
let lost = false;

const socket = new Socket(page.dataset.socket, {
    open() {
        lost = false;
        refresh();
    },
    message: (message) => HANDLERS[message.type]?.(message),
    lost() {
        lost = true;
        fail("The connection was lost.");
        refresh();
    },
    loggedOut() {
        location.assign(`${page.dataset.login}?next=${encodeURIComponent(location.pathname)}`);
    },
});

const HANDLERS = {
    models: ({ models }) => picker.update(models),
    delta({ id, text }) {
        if (id === current?.id) {
            current.answer.append(text);
        }
    },
    done(message) {
        if (message.id === current?.id) {
            finish(message);
        }
    },
    error({ id, message }) {
        if (id === undefined || id === current?.id) {
            fail(message);
        }
    },
};

function ask() {
    failed?.settle();
    failed = null;
    current = { id: ++questions, answer: turns.addAnswer(picker.chosen.name) };
    const system = settings.system ? [{ role: "system", content: settings.system }] : [];
    const messages = [...system, ...alternating(history)];
    socket.send({ type: "ask", id: current.id, model: picker.chosen.name, messages, ...settings.knobs });
    refresh();
}

function finish(message) {
    const { answer } = current;
    current = null;
    answer.finish(figures(message));
    if (answer.text) {
        history.push({ role: "assistant", content: answer.text });
    }
    byId("announcer").textContent = message.stopped ? "Stopped." : `Answer: ${answer.text}`;
    refresh();
}

function fail(message) {
    if (!current) {
        return;
    }
    failed = current.answer;
    current = null;
    failed.fail(message, () => {
        if (canAsk()) {
            failed?.remove();
            ask();
        }
    });
    refresh();
}

function reset() {
    if (current) {
        // Forgotten first: the words that are still on their way belong to nobody.
        current = null;
        socket.send({ type: "stop" });
    }
    history = [];
    failed = null;
    turns.clear();
    refresh();
    prompt.focus();
}

function canAsk() {
    return !current && !lost && socket.isOpen && isReady(picker.chosen);
}

function refresh() {
    const model = picker.chosen;
    const known = picker.models !== null;
    send.hidden = current !== null;
    stop.hidden = current === null;
    send.disabled = !canAsk() || !prompt.value.trim();
    if (failed?.retry) {
        failed.retry.disabled = !canAsk();
    }
    const empty = !history.length && !current;
    byId("nothing").hidden = !(known && empty && !picker.models.length);
    byId("welcome").hidden = !(known && empty && picker.models.length);
    const banner = byId("banner");
    banner.textContent = lost ? "Reconnecting …" : model && !isReady(model) ? model.sentence : "";
    banner.className = `banner ${lost ? "" : model?.state}`;
    banner.hidden = !banner.textContent;
}

function grow() {
    prompt.style.height = "auto";
    prompt.style.height = `${prompt.scrollHeight}px`;
}

/** Two turns of the same role after each other (a question that failed, then another) become one: templates want it so. */
function alternating(messages) {
    const merged = [];
    for (const { role, content } of messages) {
        const last = merged.at(-1);
        if (last?.role === role) {
            last.content += `\n\n${content}`;
        } else {
            merged.push({ role, content });
        }
    }
    return merged;
}

function figures({ stopped, finish_reason, tokens, tokens_per_second, ttft_ms }) {
    return [
        stopped && "stopped",
        finish_reason === "length" && "cut at the token limit",
        tokens > 0 && `${tokens} tokens`,
        tokens_per_second && `${tokens_per_second.toFixed(1)} tokens/s`,
        ttft_ms !== null && `first token after ${seconds(ttft_ms)}`,
    ]
        .filter(Boolean)
        .join(" · ");
}

function seconds(ms) {
    return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = prompt.value.trim();
    if (!text || !canAsk()) {
        return;
    }
    history.push({ role: "user", content: text });
    turns.addQuestion(text);
    prompt.value = "";
    grow();
    ask();
});
prompt.addEventListener("keydown", (event) => {
    // While an input method composes, Enter takes its suggestion (229: Safari says so only by the code).
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
        event.preventDefault();
        form.requestSubmit();
    }
});
prompt.addEventListener("input", () => {
    grow();
    refresh();
});
stop.addEventListener("click", () => {
    socket.send({ type: "stop" });
    prompt.focus();
});
byId("new").addEventListener("click", reset);
