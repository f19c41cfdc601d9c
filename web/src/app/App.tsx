// App: who is signed in sees the frame with its pages, everybody else the sign-in.
import { Center, Loader } from "@mantine/core";
import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { Live } from "../api/live";
import { Boundary } from "../parts/Boundary";
import { Trouble } from "../parts/Trouble";
import { Frame } from "./Frame";
import { Missing } from "./Missing";
import { useSession } from "./session";
import { SignIn } from "./SignIn";

// Each page is loaded when it is looked at.
const Applications = lazy(() => import("../applications/Applications"));
const Application = lazy(() => import("../applications/Application"));
const Edit = lazy(() => import("../create/Edit"));
const New = lazy(() => import("../create/New"));
const Deployments = lazy(() => import("../deployments/Deployments"));
const DeploymentPage = lazy(() => import("../deployments/DeploymentPage"));
const Logs = lazy(() => import("../logs/Logs"));
const Topics = lazy(() => import("../topics/Topics"));
const Devices = lazy(() => import("../devices/Devices"));
const DevicePage = lazy(() => import("../devices/DevicePage"));
const MapPage = lazy(() => import("../map/MapPage"));
const Overview = lazy(() => import("../overview/Overview"));
const Settings = lazy(() => import("../settings/Settings"));

export function App() {
  const session = useSession();
  if (session.isPending) return <Waiting />;
  if (session.data) {
    return (
      <Live>
        <Frame>
          <Pages />
        </Frame>
      </Live>
    );
  }
  if (session.error && session.data === undefined) {
    return (
      <Center mih="100vh" p="md">
        <Trouble error={session.error} onRetry={() => void session.refetch()} />
      </Center>
    );
  }
  return <SignIn />;
}

function Pages() {
  return (
    <Boundary>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/" component={Overview} />
          <Route path="/applications" component={Applications} />
          <Route path="/new" component={New} />
          <Route path="/applications/:name/edit">{(p) => <Edit key={p.name} name={p.name} />}</Route>
          <Route path="/applications/:name/:tab?">
            {(p) => <Application key={p.name} name={p.name} tab={p.tab ?? "overview"} />}
          </Route>
          <Route path="/deployments" component={Deployments} />
          <Route path="/deployments/:id">{(p) => <DeploymentPage key={p.id} id={Number(p.id)} />}</Route>
          <Route path="/logs" component={Logs} />
          <Route path="/topics" component={Topics} />
          <Route path="/devices" component={Devices} />
          <Route path="/devices/:id">{(p) => <DevicePage key={p.id} id={p.id} />}</Route>
          <Route path="/map" component={MapPage} />
          <Route path="/settings" component={Settings} />
          <Route component={Missing} />
        </Switch>
      </Suspense>
    </Boundary>
  );
}

const Waiting = () => (
  <Center mih="60vh">
    <Loader size="sm" type="dots" aria-label="Loading" role="status" />
  </Center>
);
