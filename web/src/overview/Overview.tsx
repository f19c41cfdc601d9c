// Overview: how it all is, what needs a person, and what happened; where nothing is
// deployed yet, how to begin.
import { SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Application, Deployment, Device } from "../api/client";
import { applications, deployments, devices, recentEvents } from "../api/queries";
import { stateOf } from "../applications/state";
import { Rates } from "../metrics/Rates";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Spark } from "../parts/Spark";
import { Status } from "../parts/Status";
import { count, rate } from "../parts/words";
import { total } from "../topics/rates";
import { useTopics } from "../topics/useTopics";
import { needs } from "./attention";
import { FirstSteps } from "./FirstSteps";
import { Happened } from "./Happened";

export default function Overview() {
  const apps = useQuery(applications);
  const machines = useQuery(devices);
  const rollouts = useQuery(deployments());
  const events = useQuery(recentEvents({ tail: 120 }));
  // All of it comes at once: parts that came one by one would push each other down.
  return (
    <Page title="Overview">
      <Loaded query={apps} height={600}>
        {(all) => (
          <Loaded query={machines} height={600}>
            {(known) => (
              <Loaded query={rollouts} height={600}>
                {(made) => (
                  <Loaded query={events} height={600}>
                    {(list) => (
                      <>
                        <Numbers apps={all} devices={known} deployments={made} />
                        {all.length > 0 && <Rates />}
                        {all.length === 0 ? <FirstSteps /> : <Needs apps={all} devices={known} deployments={made} />}
                        <Stack component="section" gap="sm">
                          <Title order={2}>What happened</Title>
                          <Happened events={list} most={15} />
                        </Stack>
                      </>
                    )}
                  </Loaded>
                )}
              </Loaded>
            )}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

interface State {
  apps: Application[];
  devices: Device[];
  deployments: Deployment[];
}

function Numbers({ apps, devices, deployments }: State) {
  const placed = apps.flatMap((a) => a.placements);
  const running = placed.filter((p) => stateOf(p) === "running").length;
  const connected = devices.filter((d) => d.connected).length;
  const busy = deployments.filter((d) => d.status === "queued" || d.status === "running");
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <NumberCard to="/devices" name="Devices" value={`${connected} of ${devices.length}`} note="connected" />
      <NumberCard
        to="/applications"
        name="Applications"
        value={String(apps.length)}
        note={`${running} of ${placed.length} running`}
      />
      <NumberCard
        to="/deployments"
        name="Deployments"
        value={String(busy.length)}
        note={busy.length === 0 ? "none under way" : "under way"}
        busy={busy.length > 0}
      />
      <Messages device={devices.find((d) => d.connected)?.id ?? ""} several={connected > 1} />
    </SimpleGrid>
  );
}

interface NumberCardProps {
  to: string;
  name: string;
  value: string;
  note: string;
  busy?: boolean;
  children?: React.ReactNode;
}

function NumberCard({ to, name, value, note, busy, children }: NumberCardProps) {
  return (
    <Link href={to} className="card number">
      <Text size="sm" c="dimmed" component="span">
        {name}
      </Text>
      <span className="number-row">
        <strong>{value}</strong>
        {children}
      </span>
      <Text size="xs" c="dimmed" component="span">
        {busy ? <Status state="deploying">{note}</Status> : note}
      </Text>
    </Link>
  );
}

function Messages({ device, several }: { device: string; several: boolean }) {
  const { rates } = useTopics(device);
  const now = rates.reduce((sum, t) => sum + t.rate, 0);
  return (
    <NumberCard
      to="/topics"
      name="Messages"
      value={rate(now)}
      note={several ? `on ${device}` : `on ${count(rates.length, "topic")}`}
    >
      <Spark values={total(rates)} label={`Messages: ${rate(now)}`} width={84} height={26} />
    </NumberCard>
  );
}

const shownNeeds = 8;

function Needs({ apps, devices, deployments }: State) {
  const list = needs(apps, deployments, devices);
  return (
    <Stack component="section" gap="sm">
      <Title order={2}>Needs you</Title>
      {list.length === 0 ? (
        <Status state="running">Nothing. Everything that should run, runs.</Status>
      ) : (
        <ul className="needs">
          {list.slice(0, shownNeeds).map((n) => (
            <li key={n.key}>
              <IconAlertTriangle size={16} aria-hidden />
              <span>
                <Link href={n.to}>{n.title}</Link>
                {n.reason && <span className="faint breakable"> {n.reason}</span>}
              </span>
            </li>
          ))}
          {list.length > shownNeeds && <li className="faint">and {list.length - shownNeeds} more</li>}
        </ul>
      )}
    </Stack>
  );
}
