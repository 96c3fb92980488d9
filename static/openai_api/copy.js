// Buttons that copy the text of another element: <button data-copy="its-id" data-copied="…" data-press="…">.
for (const button of document.querySelectorAll("[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    button.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(source.textContent);
            button.textContent = button.dataset.copied;
        } catch {
            // Browsers give the clipboard to pages on https or loopback only; elsewhere the text is marked instead.
            getSelection().selectAllChildren(source);
            button.textContent = button.dataset.press;
        }
    });
}
