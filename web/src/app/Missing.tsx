import { Button } from "@mantine/core";
import { Link } from "wouter";
import { Empty } from "../parts/Empty";
import { Page } from "../parts/Page";

export function Missing() {
  return (
    <Page title="No such page">
      <Empty
        title="There is nothing here"
        action={
          <Button component={Link} href="/" variant="default" mt="xs">
            To the overview
          </Button>
        }
      >
        The address <code>{location.pathname}</code> is not one of the console’s. What it named may have been deleted.
      </Empty>
    </Page>
  );
}
