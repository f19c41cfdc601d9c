# Sourced in the repository's root: sees to it that `node` is new enough for the console's
# build and the JavaScript SDK. Debian 12's is 18; the registry has Node.js as a package.
PATH=$PWD/.tools/node/node_modules/.bin:$PATH
export PATH
if [[ $(node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19)' 2>/dev/null) != true ]]; then
	echo "installing Node.js 22 under .tools: the system's is $(node --version 2>/dev/null || echo "not there")"
	npm install --silent --no-audit --no-fund --prefix .tools/node node@22
fi
