// What the core asks of the world around it: a connection, time, chance, and a hint that the network is back.
//
// Each port has one implementation for the page and one for tests; none knows what is sent through it.
export {};
