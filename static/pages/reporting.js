// Reports of answers, to the operators.

import { agreed } from "./agreeing.js";
import { byId, words } from "./lanes.js";

/** Let the flag of this page report what its lanes said. */
export function reportable(lanes) {
    byId("flag").addEventListener("click", async () => {
        if (!(await agreed(byId("flag-dialog")))) {
            return;
        }
        const told = await lanes.post(`${lanes.page.start}${lanes.number}/flag`, { reason: byId("reason").value });
        if (told) {
            byId("announcer").textContent = words.flagged;
            byId("flag").classList.add("flagged");
            byId("flag").title = words.flagged;
        }
    });
}
