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
        if (response.status === 409) {
            throw new Error((await response.json()).error); // a sentence for the reader
        }
        return this.own(response);
    }

    async listed(query) {
        const response = await fetch(`${this.list}?${new URLSearchParams(query)}`);
        return this.own(response).text();
    }

    /** A redirection leads to the login: the session ended. */
    own(response) {
        if (response.redirected) {
            location.reload();
        }
        if (!response.ok || response.redirected) {
            throw new Error(`HTTP ${response.status}`);
        }
        return response;
    }
}
