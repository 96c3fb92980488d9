// What changes conversations, over HTTP.

export class Server {
    constructor({ csrf, list, home }) {
        this.csrf = csrf;
        this.list = list;
        this.home = home;
    }

    of(conversation, action) {
        return `${this.home}${conversation}/${action}`;
    }

    async post(path, fields = {}) {
        const response = await fetch(path, {
            method: "POST",
            headers: { "X-CSRFToken": this.csrf },
            body: new URLSearchParams(fields),
        });
        if (!response.ok) {
            throw new Error(`${response.status}`);
        }
        return response;
    }

    async listed(query) {
        const response = await fetch(`${this.list}?${new URLSearchParams(query)}`);
        return response.ok ? response.text() : "";
    }
}
