// Users tells which applications may publish or subscribe on the topics in view, by
// what their configurations grant.
import { Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { overlap } from "./overlap";
import { usePlaced } from "./usePlaced";

export function Users({ filter, device }: { filter: string; device: string }) {
  const placed = usePlaced(device);
  const may = (of: "publish" | "subscribe") =>
    placed.filter((p) => p.grants[of].some((f) => overlap(f, filter))).map((p) => p.name);
  return (
    <Stack component="section" className="card" p="md" gap="xs" aria-label="Who may use them">
      <Title order={2}>Who may use {filter === "#" ? "them" : filter}</Title>
      <dl className="facts">
        <dt>Publish</dt>
        <dd>
          <Names of={may("publish")} />
        </dd>
        <dt>Subscribe</dt>
        <dd>
          <Names of={may("subscribe")} />
        </dd>
      </dl>
      <Text size="xs" c="dimmed">
        Applications on {device || "the device"}, by what their configurations grant.
      </Text>
    </Stack>
  );
}

function Names({ of }: { of: string[] }) {
  if (of.length === 0) return <span className="faint">no application</span>;
  return (
    <>
      {of.map((name, i) => (
        <span key={name}>
          {i > 0 && ", "}
          <Link href={`/applications/${name}`}>{name}</Link>
        </span>
      ))}
    </>
  );
}
