// The catalogue that proves the pages of `userctl catalog export`: `nox -s catalog` builds it.
export default {
  cId: "8d0c1f0e-6f0f-4a53-9d43-4b1d1b8b7a10",
  title: "User Service",
  organizationName: "User Service",
  output: "static",
  outDir: "dist",
};
