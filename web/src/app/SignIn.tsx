import { Button, Center, Code, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import { Trouble } from "../parts/Trouble";
import { Logo } from "./Logo";
import { useSignIn } from "./session";

export function SignIn() {
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  useEffect(() => {
    document.title = "Sign in – Fescue";
  }, []);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (token.trim()) signIn.mutate(token.trim());
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper w="100%" maw={420} className="card" p="xl">
        <form onSubmit={submit}>
          <Stack gap="md">
            <div>
              <Logo size={36} />
              <Title order={1} mt="sm">
                Sign in to Fescue
              </Title>
            </div>
            <PasswordInput
              label="Token"
              description={
                <>
                  On the server, the admin’s is in the file <Code>server/admin-token</Code> of the state directory.
                </>
              }
              autoComplete="current-password"
              autoFocus
              value={token}
              onChange={(e) => setToken(e.currentTarget.value)}
            />
            {signIn.error && <Trouble error={signIn.error} title="Not signed in" />}
            <Button type="submit" loading={signIn.isPending} disabled={!token.trim()}>
              Sign in
            </Button>
            <Text size="xs" c="dimmed">
              The browser keeps a session for a week, in a cookie that scripts cannot read. The token itself is not kept.
            </Text>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
