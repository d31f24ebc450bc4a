// Finds the page's elements, each with the type that the page gives it.

export function element<E extends Element>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} named ${id}`);
}
