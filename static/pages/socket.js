// A websocket that comes back by itself. Messages are JSON objects with a `type`.

const LOGGED_OUT = 4401;
const SLOWEST_RETRY_MS = 10_000;

export class Socket {
    /** `on.message(object)`, `on.open()`, `on.lost()` and `on.loggedOut()` are told what happens. */
    constructor(path, on) {
        this.url = new URL(path, location.href);
        this.url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
        this.on = on;
        this.retryMs = 500;
        this.connect();
    }

    get isOpen() {
        return this.socket.readyState === WebSocket.OPEN;
    }

    connect() {
        this.socket = new WebSocket(this.url);
        this.socket.onopen = () => this.on.open();
        this.socket.onmessage = (event) => {
            // Only now: a server that closes right after the handshake must not be asked again at once for ever.
            this.retryMs = 500;
            this.on.message(JSON.parse(event.data));
        };
        this.socket.onclose = (event) => {
            if (event.code === LOGGED_OUT) {
                this.on.loggedOut();
                return;
            }
            this.on.lost();
            setTimeout(() => this.connect(), this.retryMs);
            this.retryMs = Math.min(this.retryMs * 2, SLOWEST_RETRY_MS);
        };
    }

    send(message) {
        this.socket.send(JSON.stringify(message));
    }
}
