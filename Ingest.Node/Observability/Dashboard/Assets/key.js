// The key that the user has given, where the node asks for one. It stays in this tab.

const STORED = "ingest.key";

export const hasKey = () => sessionStorage.getItem(STORED) !== null;

export const keep = (key) => sessionStorage.setItem(STORED, key.trim());

/** Headers with the key. */
export function headers(more = {}) {
    const key = sessionStorage.getItem(STORED);
    if (!key) return more;
    // A JSON Web Token has three parts.
    return key.split(".").length === 3 ? { ...more, Authorization: `Bearer ${key}` } : { ...more, "X-Api-Key": key };
}
