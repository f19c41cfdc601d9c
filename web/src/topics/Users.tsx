// Users tells who publishes and subscribes on the topics in view, and which applications may, by
// what their configurations grant.
import { Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { overlap } from "./overlap";
import { usePlaced } from "./usePlaced";
import { useTopics } from "./useTopics";

export function Users({ filter, device }: { filter: string; device: string }) {
  const placed = usePlaced(device);
  const may = (of: "publish" | "subscribe") =>
    placed.filter((p) => p.grants[of].some((f) => overlap(f, filter))).map((p) => p.name);
  const { rates } = useTopics(device);
  const now = (of: "publishedBy" | "subscribedBy") => [
    ...new Set(rates.filter((t) => overlap(t.topic, filter)).flatMap((t) => t[of] ?? [])),
  ];
  return (
    <Stack component="section" className="card" p="md" gap="xs" aria-label="Who uses them">
      <Title order={2}>Who uses {filter === "#" ? "them" : filter}</Title>
      <dl className="facts">
        <dt>Publishes</dt>
        <dd>
          <Names of={now("publishedBy")} none="nobody now" />
        </dd>
        <dt>Listens</dt>
        <dd>
          <Names of={now("subscribedBy")} none="nobody now" />
        </dd>
        <dt>May publish</dt>
        <dd>
          <Names of={may("publish")} />
        </dd>
        <dt>May listen</dt>
        <dd>
          <Names of={may("subscribe")} />
        </dd>
      </dl>
      <Text size="xs" c="dimmed">
        On {device || "the device"}. Who may is what applications’ configurations grant; clients of MQTT and NATS have
        credentials.
      </Text>
    </Stack>
  );
}

const others: Record<string, string> = { "@nats": "MQTT or NATS clients", "@agent": "somebody at the API" };

function Names({ of, none = "no application" }: { of: string[]; none?: string }) {
  if (of.length === 0) return <span className="faint">{none}</span>;
  return (
    <>
      {of.map((name, i) => (
        <span key={name}>
          {i > 0 && ", "}
          {others[name] ?? <Link href={`/applications/${name}`}>{name}</Link>}
        </span>
      ))}
    </>
  );
}
