// When a fault may come.
//
// An official client whose new transport is lost while it pauses the old one does not poll again and says nothing
// until its ping timeout, 45 s later. No server can help it then, so no test puts a fault into that moment.

/** Waits until the client has upgraded its transport, if it is going to. */
export async function settled(person) {
  const { transports } = person.socket.io.opts;
  if (transports !== undefined && !(transports.includes("polling") && transports.includes("websocket"))) return;
  const upgraded = () => person.socket.connected && person.socket.io.engine.transport.name === "websocket";
  await person.until(upgraded, "the upgrade of the transport");
}
