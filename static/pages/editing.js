// Changing a question in its place: the old one stays as a version.

/**
 * `ask(turn, text, without)` returns whether it could be asked; `without`: which of its files are left out, from 0.
 * `left()` is called when nothing was changed.
 */
export function edit(turn, words, { ask, left }) {
    if (turn.querySelector("form.edit")) {
        return; // it is being edited
    }
    const question = turn.querySelector(".question") ?? turn.querySelector(".about").previousElementSibling;
    const area = field(turn, words);
    const cancel = button(words.cancel, "button");
    const without = [];
    const files = attached(turn, words, (at) => {
        without.push(at);
        area.focus();
    });
    const box = document.createElement("form");
    box.className = "edit";
    box.append(files, area, cancel, button(words.save, "submit"));
    const leave = () => {
        box.replaceWith(question);
        turn.querySelector("[data-edit]").focus();
        left();
    };
    cancel.addEventListener("click", leave);
    box.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !event.isComposing) {
            event.stopPropagation();
            leave();
        }
    });
    box.addEventListener("submit", (event) => {
        event.preventDefault();
        const text = area.value.trim();
        if ((text || files.children.length) && ask(turn, text, without)) {
            box.replaceWith(question);
        }
    });
    question.replaceWith(box);
    area.focus();
}

function attached(turn, words, dropped) {
    const list = document.createElement("ul");
    list.className = "attachments";
    turn.querySelectorAll(".attached").forEach((file, at) => {
        const name = file.alt ?? file.textContent;
        const entry = document.createElement("li");
        const remove = button("×", "button");
        remove.classList.add("small");
        remove.setAttribute("aria-label", `${words.remove} ${name}`);
        remove.addEventListener("click", () => {
            entry.remove();
            dropped(at);
        });
        entry.append(name, remove);
        list.append(entry);
    });
    return list;
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
