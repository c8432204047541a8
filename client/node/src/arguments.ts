// From TypeScript's names to those of the wire, and back: ttlMs is ttl_ms.
import { isMap, type Value } from './value.js';

const wireNames = new Map<string, string>();

/** ttlMs -> ttl_ms. */
export function wireName(name: string): string {
  let found = wireNames.get(name);
  if (found === undefined) {
    found = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    wireNames.set(name, found); // As many as there are options in this package's source.
  }
  return found;
}

/** ttl_ms -> ttlMs. */
export function memberName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The options as the one map that ends the arguments; nothing when none is set. */
export function named(options: object): unknown[] {
  const map: Record<string, unknown> = {};
  let isEmpty = true;
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) {
      map[wireName(name)] = value;
      isEmpty = false;
    }
  }
  return isEmpty ? [] : [map];
}

/** Optional arguments: those before the first that was not given. */
export function given(values: readonly unknown[]): unknown[] {
  const end = values.indexOf(undefined);
  return end < 0 ? [...values] : values.slice(0, end);
}

/** The members of a map by TypeScript's names; what they hold stays as it came. */
export function members(value: Value): Record<string, Value> {
  const result: Record<string, Value> = {};
  if (isMap(value)) {
    for (const [name, member] of Object.entries(value)) {
      result[memberName(name)] = member;
    }
  }
  return result;
}
