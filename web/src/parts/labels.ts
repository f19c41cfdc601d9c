// Labels of devices, as people write them, and what parts many devices best.
import type { Device } from "../api/client";

export const labelsOf = (d: Pick<Device, "labels">) => Object.entries(d.labels ?? {}).map(([k, v]) => (v ? `${k}=${v}` : k));

// partingKeys are the keys of labels by which devices can be told apart, the best first: one that
// most devices have, and of few values.
export function partingKeys(devices: Pick<Device, "labels">[]): string[] {
  const keys = new Map<string, { devices: number; values: Set<string> }>();
  for (const d of devices) {
    for (const [key, value] of Object.entries(d.labels ?? {})) {
      const k = keys.get(key) ?? { devices: 0, values: new Set() };
      k.devices++;
      keys.set(key, { ...k, values: k.values.add(value) });
    }
  }
  return [...keys]
    .filter(([, k]) => k.values.size < devices.length && (k.values.size > 1 || k.devices < devices.length))
    .sort(([a, x], [b, y]) => y.devices - x.devices || x.values.size - y.values.size || (a < b ? -1 : 1))
    .map(([key]) => key);
}

// partOf is the part of devices that one belongs to by a key.
export function partOf(d: Pick<Device, "labels"> | undefined, key: string): string {
  const value = d?.labels?.[key];
  return value === undefined ? `without ${key}` : value ? `${key}=${value}` : key;
}
