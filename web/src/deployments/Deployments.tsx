import { Page } from "../parts/Page";
import { DeploymentTable } from "./DeploymentTable";

export default function Deployments() {
  return (
    <Page title="Deployments">
      <DeploymentTable />
    </Page>
  );
}
