// DeviceChoice says where something goes, one device or many at once by their labels; with one
// device there is nothing to choose. What it folds out wants a line of its own below the button.
import { Button, Checkbox, Group } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Device } from "../api/client";
import { devices } from "../api/queries";
import { countBy, Groups } from "../parts/Groups";
import { labelsOf } from "../parts/labels";
import { Search } from "../parts/Search";
import { count } from "../parts/words";

interface DeviceChoiceProps {
  value: string[];
  onChange: (v: string[]) => void;
}

export function DeviceChoice({ value, onChange }: DeviceChoiceProps) {
  const all = useQuery(devices).data ?? [];
  const only = all.length === 1 ? all[0]!.id : "";
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (only && value.length === 0) onChange([only]);
  }, [only, value.length, onChange]);
  if (all.length < 2) return null;
  return (
    <>
      <Button
        variant="default"
        aria-expanded={open}
        rightSection={<IconChevronDown size={14} aria-hidden className={open ? "turned" : undefined} />}
        onClick={() => setOpen(!open)}
      >
        {value.length === 0 ? "Choose devices" : value.length === 1 ? `On ${value[0]}` : `On ${count(value.length, "device")}`}
      </Button>
      {open && <Panel all={all} value={value} onChange={onChange} />}
    </>
  );
}

const mostLabels = 12;

function Panel({ all, value, onChange }: DeviceChoiceProps & { all: Device[] }) {
  const [search, setSearch] = useState("");
  const [label, setLabel] = useState("");
  const text = search.trim().toLowerCase();
  const named = useMemo(() => all.filter((d) => `${d.id} ${labelsOf(d).join(" ")}`.toLowerCase().includes(text)), [all, text]);
  const labels = useMemo(() => commonest(named), [named]);
  const shown = label ? named.filter((d) => labelsOf(d).includes(label)) : named;
  const chosen = new Set(value);
  const put = (some: Device[], on: boolean) => {
    const ids = new Set(some.map((d) => d.id));
    onChange(on ? [...new Set([...value, ...ids])].sort() : value.filter((id) => !ids.has(id)));
  };
  return (
    <section className="card device-panel" aria-label="Devices">
      <Group gap="xs">
        {all.length > 8 && <Search label="Search devices" placeholder="Name or label" value={search} onChange={setSearch} />}
        <Button
          size="compact-sm"
          variant="default"
          disabled={shown.every((d) => chosen.has(d.id))}
          onClick={() => put(shown, true)}
        >
          Choose {all.length === shown.length ? "all" : "these"} {shown.length}
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          disabled={!shown.some((d) => chosen.has(d.id))}
          onClick={() => put(shown, false)}
        >
          Choose none{all.length === shown.length ? "" : " of these"}
        </Button>
      </Group>
      {labels.size > 0 && <Groups label="By label" counts={labels} total={named.length} value={label} onChange={setLabel} />}
      <Options shown={shown} chosen={chosen} onChange={(d, on) => put([d], on)} />
    </section>
  );
}

// commonest are the labels that most devices have, with how many do.
function commonest(devices: Device[]): Map<string, number> {
  const counts = countBy(devices.flatMap(labelsOf), (l) => l);
  return new Map([...counts].slice(0, mostLabels));
}

interface OptionsProps {
  shown: Device[];
  chosen: Set<string>;
  onChange: (d: Device, on: boolean) => void;
}

function Options({ shown, chosen, onChange }: OptionsProps) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => 30,
    overscan: 10,
  });
  return (
    <div ref={box} className="device-options" role="group" aria-label="Devices to choose" tabIndex={0}>
      <div style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map((item) => {
          const d = shown[item.index]!;
          return (
            <Checkbox
              key={d.id}
              size="xs"
              className="device-option"
              style={{ transform: `translateY(${item.start}px)` }}
              checked={chosen.has(d.id)}
              onChange={(e) => onChange(d, e.currentTarget.checked)}
              label={
                <>
                  {d.id}{" "}
                  <span className="faint">{[d.connected ? "" : "not connected", ...labelsOf(d)].filter(Boolean).join(", ")}</span>
                </>
              }
            />
          );
        })}
      </div>
    </div>
  );
}
