// Changing a question in its place: the old one stays as a version.

/** `ask(turn, text)` returns whether it could be asked; `left()` is called when nothing was changed. */
export function edit(turn, words, { ask, left }) {
    const question = turn.querySelector(".question");
    if (!question) {
        return; // it is being edited
    }
    const area = field(turn, words);
    const cancel = button(words.cancel, "button");
    const box = document.createElement("form");
    box.className = "edit";
    box.append(area, cancel, button(words.save, "submit"));
    const leave = () => {
        box.replaceWith(question);
        turn.querySelector("[data-edit]").focus();
        left();
    };
    cancel.addEventListener("click", leave);
    box.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            event.stopPropagation();
            leave();
        }
    });
    box.addEventListener("submit", (event) => {
        event.preventDefault();
        if (area.value.trim() && ask(turn, area.value.trim())) {
            box.replaceWith(question);
        }
    });
    question.replaceWith(box);
    area.focus();
}

function field(turn, words) {
    const area = document.createElement("textarea");
    area.className = "field";
    area.value = turn.querySelector(".raw").textContent;
    area.setAttribute("aria-label", words.edit);
    return area;
}

function button(text, type) {
    const made = document.createElement("button");
    made.type = type;
    made.className = type === "submit" ? "button primary" : "button";
    made.textContent = text;
    return made;
}
