import { expect, it } from "vitest";
import { filesOf, withoutCommonFolder } from "./upload";
import { pack } from "./archive";

it("drops the folder that all files are in", () => {
  expect(withoutCommonFolder({ "a/x": "1", "a/b/y": "2" })).toEqual({ x: "1", "b/y": "2" });
  expect(withoutCommonFolder({ "a/x": "1", y: "2" })).toEqual({ "a/x": "1", y: "2" });
  expect(withoutCommonFolder({})).toEqual({});
});

it("opens an archive and leaves out what no artifact needs", async () => {
  const archive = new File([await pack({ "main.py": "1" })], "x.tar.gz");
  expect(await filesOf([archive])).toEqual({ "main.py": "1" });
  const folder = ["app/main.py", "app/__pycache__/main.pyc", "app/.git/config"].map((path) => {
    const file = new File(["1"], path.split("/").at(-1)!);
    Object.defineProperty(file, "webkitRelativePath", { value: path });
    return file;
  });
  expect(await filesOf(folder)).toEqual({ "main.py": "1" });
});
