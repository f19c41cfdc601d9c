// Application: one application, in tabs that have addresses of their own.
import { Button, Menu, Tabs } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconPencil, IconPlayerPlay, IconPlayerStop, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { answer, api, type Application as ApplicationRecord } from "../api/client";
import { application } from "../api/queries";
import { DeploymentTable } from "../deployments/DeploymentTable";
import { LogView } from "../logs/LogView";
import { ApplicationMetrics } from "../metrics/ApplicationMetrics";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Status } from "../parts/Status";
import { Trouble } from "../parts/Trouble";
import { StateTab } from "../state/StateTab";
import { Undeployed } from "./Applications";
import { CodeTab } from "./CodeTab";
import { Delete } from "./Delete";
import { Overview } from "./Overview";
import { summary } from "./state";
import { TopicsTab } from "./TopicsTab";
import { Versions } from "./Versions";

const tabs = [
  ["overview", "Overview"],
  ["code", "Code"],
  ["topics", "Topics"],
  ["metrics", "Metrics"],
  ["state", "State"],
  ["versions", "Versions"],
  ["deployments", "Deployments"],
  ["logs", "Logs"],
] as const;

// Where the tabs have no room, the chosen one is scrolled to.
const inSight = (tab: HTMLElement | null) => tab?.scrollIntoView({ block: "nearest", inline: "nearest" });

export default function Application({ name, tab }: { name: string; tab: string }) {
  const query = useQuery(application(name));
  const [, go] = useLocation();
  return (
    <Page title={name} note={query.data && <Headline app={query.data} />} actions={query.data && <Actions app={query.data} />}>
      <Loaded query={query} height={300}>
        {(app) => (
          <Tabs
            value={tab}
            onChange={(t) => go(t === "overview" ? `/applications/${name}` : `/applications/${name}/${t}`)}
            keepMounted={false}
          >
            <Tabs.List mb="md" className="tabs">
              {tabs.map(([value, label]) => (
                <Tabs.Tab key={value} value={value} ref={value === tab ? inSight : undefined}>
                  {label}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="overview">
              <Overview app={app} />
            </Tabs.Panel>
            <Tabs.Panel value="code">
              <CodeTab name={name} />
            </Tabs.Panel>
            <Tabs.Panel value="topics">
              <TopicsTab app={app} />
            </Tabs.Panel>
            <Tabs.Panel value="metrics">
              <ApplicationMetrics app={app} />
            </Tabs.Panel>
            <Tabs.Panel value="state">
              <StateTab app={app} />
            </Tabs.Panel>
            <Tabs.Panel value="versions">
              <Versions app={app} />
            </Tabs.Panel>
            <Tabs.Panel value="deployments">
              <DeploymentTable application={name} />
            </Tabs.Panel>
            <Tabs.Panel value="logs">
              <LogView application={name} height="calc(100vh - 300px)" />
            </Tabs.Panel>
          </Tabs>
        )}
      </Loaded>
    </Page>
  );
}

function Headline({ app }: { app: ApplicationRecord }) {
  const { state, tone, detail } = summary(app.placements);
  return (
    <span className="headline">
      <Status state={state} tone={tone} />
      {detail && <span>{detail}</span>}
      <Undeployed app={app} />
    </span>
  );
}

function Actions({ app }: { app: ApplicationRecord }) {
  const client = useQueryClient();
  const [deleting, { open, close }] = useDisclosure(false);
  const act = useMutation({
    mutationFn: (what: "start" | "stop") =>
      answer(api.POST(`/v1/applications/{name}/${what}`, { params: { path: { name: app.name } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["applications"] }),
  });
  const stopped = app.placements.length > 0 && app.placements.every((p) => p.desired === "stopped");
  return (
    <>
      <Button component={Link} href={`/applications/${app.name}/edit`} leftSection={<IconPencil size={16} aria-hidden />}>
        Edit
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />} loading={act.isPending}>
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {stopped ? (
            <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => act.mutate("start")}>
              Start
            </Menu.Item>
          ) : (
            <Menu.Item
              leftSection={<IconPlayerStop size={15} />}
              disabled={app.placements.length === 0}
              onClick={() => act.mutate("stop")}
            >
              Stop
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconTrash size={15} />} color="var(--fescue-bad)" onClick={open}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Delete app={app} opened={deleting} onClose={close} />
      {act.error && <Trouble error={act.error} />}
    </>
  );
}
