// The turns of a conversation on the page.

import { showText } from "./text.js";

const NEAR_END_PX = 80;

export class Turns {
    constructor(list, scroller) {
        this.list = list;
        this.scroller = scroller;
    }

    clear() {
        this.list.replaceChildren();
    }

    addQuestion(text) {
        const turn = this.add("user");
        turn.textContent = text;
        this.scroller.scrollTop = this.scroller.scrollHeight;
    }

    addAnswer(model) {
        return new AnswerTurn(this, this.add("assistant"), model);
    }

    add(role) {
        const turn = document.createElement("li");
        turn.className = `turn ${role}`;
        this.list.append(turn);
        return turn;
    }

    /** Change something and stay at the end, unless the reader has scrolled up. */
    keepingEnd(change) {
        const { scrollHeight, scrollTop, clientHeight } = this.scroller;
        const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
        change();
        if (atEnd) {
            this.scroller.scrollTop = this.scroller.scrollHeight;
        }
    }
}

export class AnswerTurn {
    constructor(turns, element, model) {
        this.turns = turns;
        this.element = element;
        this.text = "";
        this.body = part("div", "body");
        const name = part("p", "name");
        name.textContent = model;
        this.thinking = part("span", "thinking");
        this.thinking.append(part("i"), part("i"), part("i"));
        turns.keepingEnd(() => element.append(name, this.body, this.thinking));
    }

    append(text) {
        this.text += text;
        // Many words may come within one frame: they are drawn together.
        this.frame ??= requestAnimationFrame(() => this.draw());
    }

    draw() {
        cancelAnimationFrame(this.frame);
        this.frame = undefined;
        this.turns.keepingEnd(() => {
            this.thinking.remove();
            showText(this.body, this.text);
        });
    }

    finish(figures) {
        this.draw();
        const line = part("p", "figures");
        line.textContent = figures;
        this.turns.keepingEnd(() => this.element.append(line));
    }

    fail(message, retry) {
        this.draw();
        const line = part("div", "trouble");
        line.setAttribute("role", "alert");
        const text = part("span");
        text.textContent = message;
        this.retry = part("button", "button");
        this.retry.type = "button";
        this.retry.textContent = "Retry";
        this.retry.addEventListener("click", retry);
        line.append(text, this.retry);
        this.turns.keepingEnd(() => this.element.append(line));
    }

    /** What failed and was left behind can not be retried any more: later turns build on what came after. */
    settle() {
        this.retry?.remove();
    }

    remove() {
        this.element.remove();
    }
}

function part(tag, className = "") {
    const element = document.createElement(tag);
    element.className = className;
    return element;
}
