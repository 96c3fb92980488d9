// A long conversation begins with its end: what was before is asked for when somebody scrolls there.

/** `dress` gives new turns what the page adds to them. */
export function bringEarlier(list, scroller, dress) {
    const seen = new IntersectionObserver((entries) => {
        for (const entry of entries.filter((each) => each.isIntersecting)) {
            bring(entry.target);
        }
    }, { root: scroller, rootMargin: "50% 0px 0px" });

    async function bring(button) {
        if (button.disabled) {
            return;
        }
        button.disabled = true;
        const place = button.closest("li");
        try {
            const response = await fetch(button.dataset.earlier);
            if (!response.ok || response.redirected) {
                throw new Error(`HTTP ${response.status}`);
            }
            const html = await response.text();
            if (!place.isConnected) {
                return;
            }
            const below = scroller.scrollHeight - scroller.scrollTop;
            place.insertAdjacentHTML("afterend", html);
            place.remove();
            scroller.scrollTop = scroller.scrollHeight - below; // what was read stays where it was
            dress(list);
        } catch {
            button.disabled = false; // the server is away: the button is there to be pressed
        }
    }

    function watch() {
        seen.disconnect();
        list.querySelectorAll("[data-earlier]").forEach((button) => seen.observe(button));
    }

    list.addEventListener("click", (event) => {
        const button = event.target.closest("[data-earlier]");
        if (button) {
            bring(button);
        }
    });
    new MutationObserver(watch).observe(list, { childList: true });
    watch();
}
