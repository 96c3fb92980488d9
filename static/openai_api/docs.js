// The page /docs: Swagger UI over our own descriptions. What is tried carries the session's CSRF token.
const place = document.getElementById("docs");
const documents = JSON.parse(document.getElementById("documents").textContent);
const models = JSON.parse(document.getElementById("models").textContent);

// Its logo brings a style of its own, which our policy refuses; its switch would disagree with the other pages.
// A path stands in a button: as a link of its own neither could be reached by keyboard and ear.
const ours = () => ({
    components: { Logo: () => null, DarkModeToggle: () => null },
    wrapComponents: {
        DeepLink: (_, { React }) => ({ text }) => React.createElement("span", null, text),
    },
});

// Fields that it gives no name: a parameter's stands in its row, the others have a heading.
new MutationObserver(() => {
    for (const field of place.querySelectorAll(":is(select, textarea, input):not([aria-label], [id])")) {
        const parameter = field.closest("tr[data-param-name]");
        field.ariaLabel = parameter ? parameter.dataset.paramName : field.matches("textarea") ? "Request body" : "Example";
    }
}).observe(place, { childList: true, subtree: true });

// Its own dark mode hangs on this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Examples ask models that are here.
function namedModels(response) {
    if (documents.some((one) => new URL(one.url, location.href).href === response.url)) {
        for (const [placeholder, name] of Object.entries(models)) {
            response.text = response.text.replaceAll(JSON.stringify(placeholder), JSON.stringify(name));
        }
    }
    return response;
}

SwaggerUIBundle({
    urls: documents,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [ours],
    layout: "StandaloneLayout",
    deepLinking: true,
    syntaxHighlight: { theme: "obsidian" },  // of its themes the one whose colours stand out enough
    defaultModelRendering: "model",
    defaultModelExpandDepth: 2,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    queryConfigEnabled: false,
    tryItOutEnabled: true,
    responseInterceptor: namedModels,
    requestInterceptor: (request) => {
        const { origin, pathname } = new URL(request.url, location.href);
        if (origin === location.origin && !pathname.startsWith("/v1/")) {
            request.headers["X-CSRFToken"] = place.dataset.csrf;
        }
        return request;
    },
});
