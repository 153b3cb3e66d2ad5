// @ts-check
/**
 * Owns the two hooks of the lesson: the well-known one, and the one that is cured. Each is given React, or the model of it
 * in tiny-react.js, and a function that opens a socket.
 */

/** @typedef {import("./tiny-react.js").Hooks} Hooks */
/** @typedef {(event: any) => void} Hear */
/** @typedef {() => WebSocket} Open */

/** @param {Hooks} react @param {Open} open */
export function knownHook({useEffect}, open) {
  return function useChat(/** @type {string} */ userId, /** @type {Hear} */ onMessage, /** @type {Hear} */ onNotify) {
    useEffect(() => {
      const ws = open();
      ws.onopen = () => ws.send(JSON.stringify({type: "init", userId}));
      ws.onmessage = ({data}) => {
        const event = JSON.parse(data);
        if (event.type === "chat") onMessage(event);
        if (event.type === "notification") onNotify(event);
      };
      return () => ws.close();
    }, [userId, onMessage, onNotify]);
  };
}

/** @param {Hooks} react @param {Open} open */
export function curedHook({useEffect, useRef}, open) {
  return function useChat(/** @type {string} */ userId, /** @type {Hear} */ onMessage, /** @type {Hear} */ onNotify) {
    const latest = useRef({onMessage, onNotify});
    useEffect(() => {
      latest.current = {onMessage, onNotify};
    });
    useEffect(() => {
      const ws = open();
      ws.onopen = () => ws.send(JSON.stringify({type: "init", userId}));
      ws.onmessage = ({data}) => {
        const event = JSON.parse(data);
        if (event.type === "chat") latest.current.onMessage(event);
        if (event.type === "notification") latest.current.onNotify(event);
      };
      return () => ws.close();
    }, [userId]);
  };
}

/** The component: its two callbacks are new ones at each rendering. @param {Hooks} react @param {ReturnType<typeof knownHook>} useChat */
export function componentOf({useState}, useChat) {
  return function Chat(/** @type {{me: string, show: (messages: any[], text: string, setText: (text: string) => void) => void}} */ {me, show}) {
    const [messages, setMessages] = useState(/** @type {any[]} */ ([]));
    const [text, setText] = useState("");
    const onMessage = (/** @type {any} */ chat) => setMessages((earlier) => [...earlier, chat]);
    const onNotify = () => {};
    useChat(me, onMessage, onNotify);
    show(messages, text, setText);
    return null;
  };
}
