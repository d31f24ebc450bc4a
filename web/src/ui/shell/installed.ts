// Registers the service worker, which lets the page open without a network.
//
// Under Trusted Types, the address of a script needs a policy. This policy allows exactly one address. It is the only
// policy of the page: the content security policy names it.

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (address: string) => string }): { createScriptURL(address: string): string };
}

const WORKER = "/sw.js";

export function install(): void {
  if (!("serviceWorker" in navigator)) return;
  // Without it the page works as well, as long as there is a network.
  void navigator.serviceWorker.register(trusted(WORKER)).catch(() => undefined);
}

function trusted(address: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("tidings", {
    createScriptURL(asked) {
      if (asked === WORKER) return asked;
      throw new TypeError(`not a script of this page: ${asked}`);
    },
  });
  return policy === undefined ? address : policy.createScriptURL(address);
}
