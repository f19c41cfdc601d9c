// Logs: what all applications write, as it comes or of a time.
import { Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { applications } from "../api/queries";
import { DevicePick } from "../devices/DevicePick";
import { Page } from "../parts/Page";
import { useAddress } from "../parts/useAddress";
import { Pick } from "../parts/Pick";
import { LogView } from "./LogView";
import { RangeChoice, useRange } from "./RangeChoice";

export default function Logs() {
  const [search, choose] = useAddress();
  const [application, device] = [search.get("application") ?? "", search.get("device") ?? ""];
  const time = useRange();
  const apps = useQuery(applications).data ?? [];
  return (
    <Page title="Logs" note="What applications write, from all devices, as it comes or of a time.">
      <div>
        <Group gap="xs" mb="xs">
          <Pick
            label="Application"
            all="all applications"
            value={application}
            onChange={(v) => choose("application", v)}
            data={apps.map((a) => a.name)}
          />
          <DevicePick label="Device" all="all devices" value={device} onChange={(v) => choose("device", v)} />
          <RangeChoice {...time} />
        </Group>
        <LogView application={application} device={device} range={time.range} height="calc(100vh - 270px)" />
      </div>
    </Page>
  );
}
