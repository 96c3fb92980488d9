// Copying to the clipboard, where the browser allows it.

/** Copy `text` and say so on the button for a moment. */
export async function copy(button, text, words) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // Browsers give the clipboard to pages on https or loopback only.
        copyByHand(text);
    }
    const label = button.querySelector("span") ?? button;
    label.textContent = words.copied;
    button.classList.add("copied");
    setTimeout(() => {
        label.textContent = words.copy;
        button.classList.remove("copied");
    }, 1500);
}

function copyByHand(text) {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
}
