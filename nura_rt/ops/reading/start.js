// The token is typed by hand and kept in this page's memory only; nothing is sent to a validator elsewhere.
SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
