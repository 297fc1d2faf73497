// The tool of scenarios/weather.yaml, in the words of the chat API, and the question that calls it.

export const kQuestion = 'What is the weather in Paris?';
export const kBoth = 'What is the weather in both towns?';
export const kAnswer = 'It is sunny in Paris, 21 degrees.';

export const kCity = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

export const kWeatherTool = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather of a town', parameters: kCity },
};

export const kClockTool = {
  type: 'function',
  function: {
    name: 'get_time',
    description: 'The time in a zone',
    parameters: {
      type: 'object',
      properties: { zone: { type: 'string', enum: ['UTC', 'CET'] }, seconds: { type: 'boolean' } },
      required: ['zone', 'seconds'],
      additionalProperties: false,
    },
  },
};

// What get_weather returns; the scenario's second turn waits for it.
export const weatherOf = ({ city }) => `${city}: 21 degrees, sunny`;
