// Credentials: logins for MQTT and NATS clients, with the topics that each may use.
import { TagsInput } from "@mantine/core";
import { answer, api, type Schemas } from "../api/client";
import { DevicePick } from "../devices/DevicePick";
import type { Column } from "../parts/Table";
import { When } from "../parts/When";
import { Secrets } from "./Secrets";

type Credential = Schemas["Credential"];

interface Draft {
  publish: string[];
  subscribe: string[];
  device: string;
}

export function Credentials() {
  return (
    <Secrets<Credential, Draft>
      kind="credentials"
      title="Credentials of MQTT and NATS clients"
      one="credential"
      none="None. Sensors, Node-RED and other clients that are no applications need one each."
      list={async () => (await answer(api.GET("/v1/credentials"))).items}
      columns={columns}
      form={{
        title: "New credential",
        about: "The client’s user name",
        blank: { publish: [], subscribe: [], device: "" },
        fields: ({ publish, subscribe, device }, change) => (
          <>
            <TagsInput
              label="May publish to"
              description="Topics or filters; Enter adds one"
              value={publish}
              onChange={(publish) => change({ publish })}
              acceptValueOnBlur
            />
            <TagsInput
              label="May subscribe to"
              description="Topic filters: + one level, # the rest"
              value={subscribe}
              onChange={(subscribe) => change({ subscribe })}
              acceptValueOnBlur
            />
            <DevicePick
              label="On"
              shown="On"
              size="sm"
              all="every device"
              value={device}
              onChange={(device) => change({ device })}
            />
          </>
        ),
        make: async (name, { publish, subscribe, device }) => {
          const body = { name, publish, subscribe, ...(device ? { device } : {}) };
          const { credential, secret } = await answer(api.POST("/v1/credentials", { body }));
          return { name: credential.name, secret };
        },
        submit: "Make it",
        what: "Password",
        once: "Its password is shown now and never again:",
      }}
      revoke={(name) => answer(api.DELETE("/v1/credentials/{name}", { params: { path: { name } } }))}
      revoked="Clients that use it are disconnected and cannot come back with it."
    />
  );
}

const columns: Column<Credential>[] = [
  { name: "Name", width: "minmax(100px, 1fr)", cell: (c) => <strong>{c.name}</strong> },
  { name: "Publishes", width: "minmax(110px, 1.5fr)", from: "sm", cell: (c) => topics(c.publish) },
  { name: "Subscribes", width: "minmax(110px, 1.5fr)", from: "sm", cell: (c) => topics(c.subscribe) },
  { name: "On", width: "minmax(80px, 1fr)", cell: (c) => c.device || "every device" },
  { name: "Made", width: "minmax(100px, 1fr)", from: "md", cell: (c) => <When at={c.createdAt} /> },
];

const topics = (list: string[]) =>
  list.length ? <span title={list.join("\n")}>{list.join(", ")}</span> : <span className="faint">nothing</span>;
