// The field that questions are written in, and the keys that send them and stop their answers.

/** Whether Enter alone was pressed. While an input method composes, it takes a suggestion (229: Safari says so only by the code). */
export function isEnter(event) {
    return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

/** As high as what is written. */
export function grow(field) {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
}

/** `submit()` by the form's button or Enter, `written()` at each change, `stop` by Escape while `isAnswering()`. */
export function listen({ form, field, stop }, { submit, written, isAnswering }) {
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        submit();
    });
    field.addEventListener("keydown", (event) => {
        if (isEnter(event)) {
            event.preventDefault();
            submit();
        }
    });
    field.addEventListener("input", () => {
        grow(field);
        written();
    });
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !event.isComposing && isAnswering() && !document.querySelector("dialog[open], :popover-open")) {
            stop.click();
        }
    });
}
