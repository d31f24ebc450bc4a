// The transport over the official Socket.IO client.
//
// The client's own buffering and retries stay unused: a buffered event would leave before the older ones that the
// outbox sends again. It stays away for good after a refusal or a disconnect by the server; a chat should not.
import { io } from "socket.io-client";
import { NAMESPACE } from "./wire.ts";
const DELAY_MS = 300;
const DELAY_MAX_MS = 5000;
const REFUSED_DELAY_MS = 3000;
const UNAVAILABLE_STATUS = 503;
export class SocketTransport {
    #options;
    #socket = null;
    #cancelComeBack = null;
    constructor(options) {
        this.#options = options;
    }
    open(events, auth) {
        const { url = "", namespace = NAMESPACE } = this.#options;
        const socket = io(`${url}${namespace}`, {
            forceNew: true,
            reconnectionDelay: DELAY_MS,
            reconnectionDelayMax: DELAY_MAX_MS,
            auth: (give) => void auth().then(give),
        });
        this.#socket = socket;
        socket.on("connect", () => events.connected());
        socket.on("disconnect", () => {
            socket.sendBuffer = [];
            events.disconnected();
            this.#comeBack(socket);
        });
        socket.on("connect_error", (error) => {
            events.disconnected();
            const code = codeOf(error);
            if (code !== null)
                events.refused(code);
            this.#comeBack(socket);
        });
        socket.onAny((name, payload) => {
            if (typeof name === "string")
                events.event(name, payload);
        });
    }
    emit(name, payload, answered) {
        const socket = this.#socket;
        if (socket === null || !socket.connected)
            return;
        if (answered === undefined)
            socket.emit(name, payload);
        else
            socket.emit(name, payload, answered);
    }
    interrupt() {
        this.#socket?.io.engine.close();
    }
    hurry() {
        const socket = this.#socket;
        if (socket === null || socket.connected)
            return;
        // Ends the pause before the next try, and a try that may have begun on a network that is gone.
        socket.disconnect().connect();
    }
    close() {
        this.#cancelComeBack?.();
        this.#socket?.disconnect();
        this.#socket?.offAny();
        this.#socket = null;
    }
    #comeBack(socket) {
        if (socket.active || this.#cancelComeBack !== null || this.#socket !== socket)
            return;
        this.#cancelComeBack = this.#options.setTimer(REFUSED_DELAY_MS, () => {
            this.#cancelComeBack = null;
            if (this.#socket === socket && !socket.connected)
                socket.connect();
        });
    }
}
function codeOf(error) {
    const { data, description } = error;
    if (description === UNAVAILABLE_STATUS)
        return "unavailable";
    if (typeof data !== "object" || data === null)
        return null;
    const { code } = data;
    return typeof code === "string" ? code : null;
}
