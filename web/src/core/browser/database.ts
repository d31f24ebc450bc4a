// An IndexedDB database whose transactions always end, whatever happens to the page that began them.
//
// A transaction that waits for JavaScript between two requests blocks all other tabs while its own tab hangs. So each
// transaction makes all its requests and calls `commit` in one turn; the browser does the rest. Values that it depends
// on are read in an earlier transaction. `add` makes sure that they are still valid: if the key exists already, the
// whole transaction is undone. Knows nothing of the data.

/** The tables of a database, with the types of their keys and values. */
export type Schema = Record<string, { readonly key: IDBValidKey; readonly value: unknown }>;

/** An object store with the types of what is in it. */
export interface Table<Row extends Schema[string]> {
  get(key: Row["key"]): IDBRequest<Row["value"] | undefined>;
  getAll(query?: IDBKeyRange): IDBRequest<Row["value"][]>;
  count(): IDBRequest<number>;
  add(value: Row["value"], key?: Row["key"]): IDBRequest;
  put(value: Row["value"], key?: Row["key"]): IDBRequest;
  delete(key: Row["key"] | IDBKeyRange): IDBRequest;
  clear(): IDBRequest;
}

export type TableOf<Tables extends Schema> = <Name extends keyof Tables & string>(name: Name) => Table<Tables[Name]>;

/** How a database gets from one version to the next. */
export type Migration = (database: IDBDatabase, tx: IDBTransaction) => void;

export class OneShotDatabase<Tables extends Schema> {
  readonly #database: IDBDatabase;

  /** The version is the number of migrations; the first of them begins with nothing. */
  static open<Tables extends Schema>(name: string, migrations: readonly Migration[]): Promise<OneShotDatabase<Tables>> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, migrations.length);
      request.onupgradeneeded = ({ oldVersion }) => {
        const tx = request.transaction;
        if (tx !== null) for (const migrate of migrations.slice(oldVersion)) migrate(request.result, tx);
      };
      request.onsuccess = () => {
        // A newer page in another tab wants to change the schema: it must not wait for this one.
        request.result.onversionchange = () => request.result.close();
        resolve(new OneShotDatabase<Tables>(request.result));
      };
      request.onerror = () => reject(request.error);
    });
  }

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Asks for all of it at once; what `ask` gives back makes something of the answers, which are as of one moment. */
  async read<T>(names: readonly (keyof Tables & string)[], ask: (table: TableOf<Tables>) => () => T): Promise<T> {
    const answers = await this.#run(names, "readonly", "default", ask);
    if (answers === null) throw new Error();
    return answers();
  }

  /** False if a row is there already that was to be added: nothing is written then. */
  async write(names: readonly (keyof Tables & string)[], durability: IDBTransactionDurability, change: (table: TableOf<Tables>) => unknown): Promise<boolean> {
    return (await this.#run(names, "readwrite", durability, (table) => void change(table))) !== null;
  }

  close(): void {
    this.#database.close();
  }

  /** Null if a row was there already. */
  #run<T>(names: readonly string[], mode: IDBTransactionMode, durability: IDBTransactionDurability, act: (table: TableOf<Tables>) => T): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const tx = this.#database.transaction([...names], mode, { durability });
      let isTaken = false;
      tx.onerror = ({ target }) => void (isTaken ||= (target as IDBRequest).error?.name === "ConstraintError");
      tx.onabort = () => (isTaken ? resolve(null) : reject(tx.error));
      try {
        const result = act((name) => tx.objectStore(name) as unknown as Table<Tables[typeof name]>);
        tx.oncomplete = () => resolve(result);
        tx.commit();
      } catch (error) {
        // It would commit what was asked of it so far.
        reject(error);
        tx.abort();
      }
    });
  }
}
