// The link over the official Socket.IO client.
//
// The client's own buffering and retries stay unused: a buffered event would leave before the older ones that the
// conversation sends again, which breaks their order.
import { io } from "socket.io-client";
const EVENT = "chat message";
const REFUSED_CONNECT_DELAY_MS = 3000;
export class SocketLink {
    #address;
    #socket;
    #events;
    #credentials;
    /** Without an address the link goes to where the page came from. */
    constructor(address) {
        this.#address = address;
    }
    open(events, credentials) {
        this.#events = events;
        this.#credentials = credentials;
        this.#connect();
    }
    send(text, key, answered) {
        this.#socket?.emit(EVENT, text, key, (...args) => answered(answerOf(args)));
    }
    interrupt() {
        this.#socket?.io.engine.close();
    }
    restart() {
        const old = this.#socket;
        this.#socket = undefined;
        old?.disconnect();
        this.#connect();
    }
    close() {
        const old = this.#socket;
        this.#socket = undefined;
        old?.disconnect();
    }
    #connect() {
        const options = {
            forceNew: true,
            reconnectionDelay: 300,
            reconnectionDelayMax: 3000,
            auth: (give) => give({ ...this.#credentials?.() }),
        };
        const socket = this.#address === undefined ? io(options) : io(this.#address, options);
        this.#socket = socket;
        const isCurrent = () => this.#socket === socket;
        socket.on("connect", () => {
            if (isCurrent())
                this.#events?.connected();
        });
        socket.on("disconnect", () => {
            socket.sendBuffer = [];
            if (!isCurrent())
                return;
            this.#events?.disconnected();
            this.#comeBack(socket);
        });
        socket.on("connect_error", () => {
            if (isCurrent())
                this.#comeBack(socket);
        });
        socket.on(EVENT, (text, offset) => {
            if (!isCurrent())
                return;
            if (typeof text !== "string" || typeof offset !== "number" || !Number.isSafeInteger(offset))
                return;
            this.#events?.message(text, offset);
        });
    }
    // The client stays away for good after a refusal or a disconnect by the server; a chat page should not.
    #comeBack(socket) {
        if (socket.active)
            return;
        setTimeout(() => {
            if (this.#socket === socket)
                socket.connect();
        }, REFUSED_CONNECT_DELAY_MS);
    }
}
function answerOf(args) {
    const [first] = args;
    if (typeof first !== "object" || first === null)
        return { kind: "stored" };
    const { ok, code } = first;
    if (ok !== false)
        return { kind: "stored" };
    return { kind: "refused", code: typeof code === "string" ? code : "refused" };
}
