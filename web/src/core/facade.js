// What the core promises to whoever shows it: the page, a bot, a test.
//
// A `ChatClient` is one person on one device. Everything that may change is a signal; everything durable goes through
// the outbox, so a call returns at once and its promise may take days. Knows neither the DOM nor Socket.IO.
export {};
