// Answers as they grow: finished blocks are appended, the open ones replaced, and the newest words follow as text, at
// the end of the last block if they belong there.

const NEAR_END_PX = 80;
const HOLDS_WORDS = "p, li, h1, h2, h3, h4, h5, h6";
const HOLDS_BLOCKS = "ul, ol, li, blockquote";

export class Stream {
    /** `scroller` scrolls the turns; `words` are texts of the page. */
    constructor(list, scroller, words) {
        this.list = list;
        this.scroller = scroller;
        this.words = words;
        let atEnd = true;
        scroller.addEventListener("scroll", () => {
            atEnd = this.isAtEnd;
        });
        // The field below grows with what is written in it, and sentences above it come and go.
        new ResizeObserver(() => atEnd && this.showEnd()).observe(scroller);
    }

    get isAtEnd() {
        const { scrollHeight, scrollTop, clientHeight } = this.scroller;
        return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    }

    showEnd() {
        this.scroller.scrollTop = this.scroller.scrollHeight;
    }

    find(message) {
        return this.list.querySelector(`[data-message="${message}"]`);
    }

    blocks({ message, first, finished, open, tail, joint }) {
        const turn = this.find(message);
        if (!turn) {
            return;
        }
        this.keepingEnd(() => {
            const done = turn.querySelector(".finished");
            if (first === 0) {
                done.replaceChildren();
            }
            done.insertAdjacentHTML("beforeend", finished.join(""));
            const newest = turn.querySelector(".tail");
            const blocks = turn.querySelector(".open");
            blocks.innerHTML = open;
            const last = typeof joint === "string" ? lastLine(blocks.lastElementChild) : null;
            newest.textContent = last ? joint + tail : tail;
            (last ?? turn.querySelector(".prose")).append(newest);
            this.dress(turn);
            this.settled(turn);
        });
    }

    text({ message, text }) {
        const turn = this.find(message);
        if (turn) {
            this.keepingEnd(() => {
                turn.querySelector(".tail").append(text);
                this.settled(turn);
            });
        }
    }

    done({ message, turn }) {
        const before = this.find(message);
        if (!before) {
            return null;
        }
        let after;
        this.keepingEnd(() => {
            after = this.made(turn);
            before.replaceWith(after);
            this.dress(after);
        });
        return after;
    }

    /** Put turns at the end of the path that leads to `after`; what followed it before is another branch now. */
    begin(after, ...turns) {
        const last = after ? this.find(after) : null;
        const rest = last ? [...this.list.children].slice([...this.list.children].indexOf(last) + 1) : [...this.list.children];
        for (const turn of rest) {
            turn.remove();
        }
        this.list.append(...turns.map((html) => this.made(html)));
        this.showEnd();
    }

    /** Give every block of code its button. */
    dress(root) {
        for (const caption of root.querySelectorAll("figure.code > figcaption:not(:has(button))")) {
            const button = document.createElement("button");
            button.type = "button";
            button.className = "button small";
            button.textContent = this.words.copy;
            button.dataset.copyCode = "";
            caption.append(button);
        }
    }

    made(html) {
        const template = document.createElement("template");
        template.innerHTML = html.trim();
        return template.content.firstElementChild;
    }

    settled(turn) {
        turn.querySelector(".thinking")?.remove();
    }

    /** Change something and stay at the end, unless the reader has scrolled up. */
    keepingEnd(change) {
        const atEnd = this.isAtEnd;
        change();
        if (atEnd) {
            this.showEnd();
        }
    }
}

/** Where the words of a block end, if they can go on there. */
function lastLine(block) {
    if (block?.matches("figure.code")) {
        return block.querySelector("pre > code");
    }
    while (block?.matches(HOLDS_BLOCKS) && block.lastElementChild?.matches(`${HOLDS_BLOCKS}, ${HOLDS_WORDS}`)) {
        block = block.lastElementChild;
    }
    return block?.matches(HOLDS_WORDS) ? block : null;
}
