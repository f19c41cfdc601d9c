// OfMany is the progress of a deployment on many devices: how many are how far, and each in
// a list; the steps of those that one asks for, and of the first that failed.
import { Group, Stack } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Deployment } from "../api/client";
import { countBy, Groups } from "../parts/Groups";
import { Search } from "../parts/Search";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { DeviceProgress } from "./DeviceProgress";
import { type Course, outcomeOn, stepWords } from "./progress";

interface Row {
  device: string;
  state: string;
  course?: Course;
}

interface OfManyProps {
  all: Course[];
  silent: string[];
  end?: Deployment;
}

const shownFailures = 3;

export function OfMany({ all, silent, end }: OfManyProps) {
  const [state, setState] = useState("");
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<string>();
  const rows = useMemo(() => rowsOf(all, silent, end), [all, silent, end]);
  const found = rows.filter((r) => r.device.toLowerCase().includes(search.trim().toLowerCase()));
  const looked = all.find((c) => c.device === chosen);
  const open = looked ? [looked] : all.filter((c) => c.outcome === "failed").slice(0, shownFailures);
  const columns: Column<Row>[] = [
    {
      name: "Device",
      width: "minmax(110px, 1fr)",
      cell: (r) =>
        r.course ? (
          <button type="button" className="plain" onClick={() => setChosen(r.device)} aria-pressed={r.device === chosen}>
            {r.device}
          </button>
        ) : (
          r.device
        ),
    },
    { name: "State", width: "minmax(104px, 1fr)", cell: (r) => <Status state={r.state} /> },
    { name: "Step", width: "minmax(140px, 1.5fr)", from: "sm", cell: (r) => r.course && stepOf(r.course) },
    { name: "Reason", width: "minmax(140px, 2fr)", from: "md", cell: (r) => r.course?.message },
  ];
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Search label="Search devices" value={search} onChange={setSearch} />
        <Groups label="By state" counts={countBy(found, (r) => r.state)} value={state} onChange={setState} />
      </Group>
      {open.map((course) => (
        <DeviceProgress key={course.device} course={course} open over={end !== undefined} />
      ))}
      <Table
        label="Devices of the deployment"
        columns={columns}
        rows={state ? found.filter((r) => r.state === state) : found}
        id={(r) => r.device}
      />
    </Stack>
  );
}

const rank = ["failed", "deploying", "queued"];

function rowsOf(all: Course[], silent: string[], end?: Deployment): Row[] {
  const rows: Row[] = [
    ...all.map((course) => ({ device: course.device, state: course.outcome || (end ? "ended" : "deploying"), course })),
    ...silent.map((device) => ({ device, state: end ? outcomeOn(end, device) : "queued" })),
  ];
  const urgency = (r: Row) => (rank.includes(r.state) ? rank.indexOf(r.state) : rank.length);
  return rows.sort((a, b) => urgency(a) - urgency(b) || a.device.localeCompare(b.device));
}

// stepOf is where a device is, or where it ended.
function stepOf(course: Course): string {
  const at = course.steps.findLast((s) => s.status && s.status !== "skipped");
  return at ? (stepWords[at.step] ?? at.step) : "";
}
