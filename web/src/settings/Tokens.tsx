// Tokens of the API: for scripts and other people.
import { NativeSelect } from "@mantine/core";
import { answer, api, type Schemas } from "../api/client";
import { Status } from "../parts/Status";
import type { Column } from "../parts/Table";
import { When } from "../parts/When";
import { Secrets } from "./Secrets";

type Token = Schemas["TokenInfo"];

export function Tokens() {
  return (
    <Secrets<Token, { good: string }>
      kind="tokens"
      title="API tokens"
      one="token"
      none="None was made. Scripts, CI jobs and other people should each have one, so that it can be revoked alone."
      list={async () => (await answer(api.GET("/v1/tokens"))).items}
      columns={columns}
      form={{
        title: "New API token",
        about: "What it is for: small letters, digits, dashes",
        blank: { good: "720h" },
        fields: ({ good }, change) => (
          <NativeSelect label="Good" value={good} onChange={(e) => change({ good: e.currentTarget.value })} data={times} />
        ),
        make: async (name, { good }) => {
          const { info, token } = await answer(api.POST("/v1/tokens", { body: { name, ...(good ? { for: good } : {}) } }));
          return { name: info.name, secret: token };
        },
        submit: "Make token",
        what: "Token",
        once: "It may do what you may. It is shown now and never again:",
      }}
      revoke={(name) => answer(api.DELETE("/v1/tokens/{name}", { params: { path: { name } } }))}
      revoked="Who uses it is refused from now on; sessions of the console that were opened with it end."
    />
  );
}

const columns: Column<Token>[] = [
  { name: "Name", width: "minmax(100px, 1.5fr)", cell: (t) => <strong>{t.name}</strong> },
  {
    name: "Last used",
    width: "minmax(100px, 1fr)",
    cell: (t) => (t.lastUsedAt ? <When at={t.lastUsedAt} /> : <span className="faint">never</span>),
  },
  {
    name: "Expires",
    width: "minmax(100px, 1fr)",
    from: "sm",
    cell: (t) =>
      t.expired ? (
        <Status state="failed">expired</Status>
      ) : t.expiresAt ? (
        <When until={t.expiresAt} />
      ) : (
        <span className="faint">never</span>
      ),
  },
  { name: "Made", width: "minmax(100px, 1fr)", from: "md", cell: (t) => <When at={t.createdAt} /> },
];

const times = [
  { value: "", label: "until it is revoked" },
  { value: "24h", label: "for a day" },
  { value: "720h", label: "for 30 days" },
  { value: "8760h", label: "for a year" },
];
