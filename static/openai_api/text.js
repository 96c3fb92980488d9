// A model's text as DOM nodes. It is only ever set as text, so nothing that a model writes becomes markup.

/** Cut a text into prose and fenced code; the last fence may still be open. */
export function blocksOf(text) {
    const blocks = [{ kind: "prose", text: "" }];
    for (const line of text.split(/(?<=\n)/)) {
        const last = blocks.at(-1);
        const fence = line.match(/^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/);
        if (last.kind === "code" && !last.closed) {
            if (fence && fence[1].startsWith(last.fence) && !fence[2]) {
                last.closed = true;
                blocks.push({ kind: "prose", text: "" });
            } else {
                last.text += line;
            }
        } else if (fence) {
            blocks.push({ kind: "code", fence: fence[1], language: fence[2], text: "" });
        } else {
            last.text += line;
        }
    }
    return blocks;
}

/** Show `text` in `element`, touching only the blocks that are not there yet or have changed. */
export function showText(element, text) {
    blocksOf(text).forEach((block, index) => {
        const node = element.children[index] ?? element.appendChild(nodeFor(block));
        const target = block.kind === "code" ? node.querySelector("code") : node;
        // The line breaks around a fence belong to the box's margins.
        const shown = block.text.replace(/^\n+(?=.)/s, index ? "" : "$&").replace(/\n+$/, "");
        if (target.textContent !== shown) {
            target.textContent = shown;
        }
    });
}

function nodeFor(block) {
    const node = document.createElement("div");
    node.className = block.kind;
    if (block.kind === "code") {
        const head = document.createElement("header");
        const language = document.createElement("span");
        language.textContent = block.language || "code";
        const pre = document.createElement("pre");
        pre.tabIndex = 0; // a wide block scrolls, by keyboard too
        pre.append(document.createElement("code"));
        head.append(language, copyButton(pre));
        node.append(head, pre);
    }
    return node;
}

function copyButton(source) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(source.textContent);
            button.textContent = "Copied";
            setTimeout(() => (button.textContent = "Copy"), 1500);
        } catch {
            // Browsers give the clipboard to pages on https or loopback only; elsewhere the text is marked instead.
            getSelection().selectAllChildren(source);
        }
    });
    return button;
}
