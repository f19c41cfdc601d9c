// Groups narrows a list to those of one state (or of anything else that parts it), with how
// many there are of each.
import { Group, UnstyledButton } from "@mantine/core";
import { number } from "./words";

interface GroupsProps {
  label: string;
  counts: Map<string, number>;
  total?: number; // of all, where one may be of several kinds or of none
  value: string; // "": all
  onChange: (value: string) => void;
}

export function Groups({ label, counts, total, value, onChange }: GroupsProps) {
  const all = total ?? [...counts.values()].reduce((a, b) => a + b, 0);
  const entries: [string, string, number][] = [
    ["", "all", all],
    ...[...counts].map(([k, n]) => [k, k, n] as [string, string, number]),
  ];
  return (
    <Group gap={6} role="group" aria-label={label}>
      {entries.map(([key, name, n]) => (
        <UnstyledButton
          key={key}
          className="group-choice"
          aria-pressed={value === key}
          onClick={() => onChange(value === key ? "" : key)}
        >
          {name} <span className="faint">{number(n)}</span>
        </UnstyledButton>
      ))}
    </Group>
  );
}

// countBy counts a list by what each is, the most first.
export function countBy<T>(list: T[], of: (t: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const t of list) counts.set(of(t), (counts.get(of(t)) ?? 0) + 1);
  return new Map([...counts].sort((a, b) => b[1] - a[1]));
}
