// Frame is what stands around every page: where one can go, and how the connection is.
import { AppShell, Burger, Group, NavLink, ScrollArea, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconAffiliate,
  IconApps,
  IconArticle,
  IconDevices,
  IconHome,
  IconMessages,
  IconRocket,
  IconSettings,
} from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";
import { newDraft, useDrafts } from "../create/drafts";
import { Status } from "../parts/Status";
import { count } from "../parts/words";
import { ConnectionBanner } from "./ConnectionBanner";
import { Logo } from "./Logo";

const places = [
  { to: "/", name: "Overview", icon: IconHome },
  { to: "/applications", name: "Applications", icon: IconApps },
  { to: "/deployments", name: "Deployments", icon: IconRocket },
  { to: "/topics", name: "Topics", icon: IconMessages },
  { to: "/logs", name: "Logs", icon: IconArticle },
  { to: "/devices", name: "Devices", icon: IconDevices },
  { to: "/map", name: "Map", icon: IconAffiliate },
  { to: "/settings", name: "Settings", icon: IconSettings },
];

export function Frame({ children }: { children: ReactNode }) {
  const [open, { toggle, close }] = useDisclosure(false);
  const [location] = useLocation();
  useEffect(close, [location, close]);
  return (
    <AppShell
      header={{ height: { base: 50, sm: 0 } }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding={{ base: "md", sm: "xl" }}
      transitionDuration={0}
    >
      <a href="#content" className="skip">
        To the content
      </a>
      <AppShell.Header hiddenFrom="sm" className="bar">
        <Group h="100%" px="md" justify="space-between">
          <Home />
          <Burger
            opened={open}
            onClick={toggle}
            size="sm"
            aria-label={open ? "Close the menu" : "Open the menu"}
            aria-expanded={open}
          />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" className="bar">
        <Group px="xs" pt={4} pb="md" visibleFrom="sm">
          <Home />
        </Group>
        <ScrollArea component="nav" aria-label="Console">
          {places.map((place) => (
            <Place key={place.to} {...place} here={isHere(location, place.to)} />
          ))}
        </ScrollArea>
        <Unsaved />
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <ConnectionBanner />
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

// Unsaved says on every page what was edited and is not deployed.
function Unsaved() {
  const names = Object.keys(useDrafts());
  if (names.length === 0) return null;
  const [name] = names;
  const to = names.length > 1 ? "/applications" : name === newDraft ? "/new" : `/applications/${name}/edit`;
  return (
    <Link href={to} className="unsaved">
      <Status state="unsaved" tone="warn">
        {names.length > 1 ? `Edits of ${count(names.length, "application")}` : name === newDraft ? "A new application" : name}
      </Status>
      <span className="faint">not deployed</span>
    </Link>
  );
}

const isHere = (location: string, to: string) =>
  to === "/" ? location === "/" : location === to || location.startsWith(to + "/");

function Place({ to, name, icon: Icon, here }: (typeof places)[number] & { here: boolean }) {
  return (
    <NavLink
      component={Link}
      href={to}
      label={name}
      active={here}
      aria-current={here ? "page" : undefined}
      leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
      className="place"
    />
  );
}

const Home = () => (
  <UnstyledButton component={Link} href="/" aria-label="Fescue, overview">
    <Group gap={8}>
      <Logo />
      <Text fw={700} size="lg">
        Fescue
      </Text>
    </Group>
  </UnstyledButton>
);
